// The urql client of an account. The cache is normalized, so a live update of a call changes every page that shows it.

import { cacheExchange } from "@urql/exchange-graphcache";
import type { Studio } from "agent-studio-client";
import { Client, fetchExchange, mapExchange, subscriptionExchange, type ExecutionResult } from "urql";
import abstractTypes from "@/gql/abstract-types.json";
import keylessTypes from "@/gql/keyless-types.json";

/** Only nodes have a global id: a `WorkflowNode` of one workflow may have the id of another one's. */
const keys = Object.fromEntries(keylessTypes.map((name) => [name, () => null]));

/** `onRefused` is called when the API no longer accepts the credential. */
export function createCacheClient(studio: Studio, onRefused: () => void): Client {
  return new Client({
    url: String(studio.endpoint),
    fetch: studio.fetch,
    preferGetMethod: false,
    exchanges: [
      mapExchange({
        onError: ({ graphQLErrors }) => {
          if (graphQLErrors.some(({ extensions }) => extensions.code === "UNAUTHENTICATED")) onRefused();
        },
      }),
      cacheExchange({ keys, possibleTypes: abstractTypes }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) =>
            studio.forwardSubscription(request).subscribe({ ...sink, next: (result) => sink.next(result as ExecutionResult) }),
        }),
      }),
    ],
  });
}
