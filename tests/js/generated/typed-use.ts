// Compiles only if the generated types distinguish the members of a result, and know their scalars.
import type { ResultOf, VariablesOf } from '@graphql-typed-document-node/core';
import type { FollowCallDocument, StartCallDocument } from './operations.ts';

type Started = ResultOf<typeof StartCallDocument>['startCall'];

export function startedAt(result: Started): string {
  switch (result.__typename) {
    case 'StartCallSuccess':
      return result.call.createdAt;
    case 'QuotaExceeded':
      return `${result.budget}: ${result.limit}`;
    default:
      return result.code;
  }
}

export function textOf({ callEvents: event }: ResultOf<typeof FollowCallDocument>): string | undefined {
  return event.__typename === 'AgentTurn' ? `${event.agent}: ${event.text}` : undefined;
}

export const dial: VariablesOf<typeof StartCallDocument> = {
  input: { workflow: { slug: 'clinic' }, kind: 'SIP', phoneNumber: '+12025550102', maxDuration: 'PT5M' },
};

export const wrong: VariablesOf<typeof StartCallDocument> = {
  // @ts-expect-error a workflow is identified by its id or its slug
  input: { workflow: { name: 'clinic' } },
};
