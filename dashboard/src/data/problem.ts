// What users read about an error of the API, or of the way to it.

import type { CombinedError } from "urql";
import type { Problem } from "@/ui/states";

const TEXTS: Record<string, Problem> = {
  FORBIDDEN: { title: "You may not see this", text: "Your role does not include it. Ask an owner or an administrator of the tenant." },
  RATE_LIMITED: { title: "Too many requests", text: "The allowance of this minute is used up. Try again in a moment." },
  UNAVAILABLE: { title: "The server is busy", text: "A server did not respond in time. Nothing is lost; try again." },
  TENANT_SUSPENDED: { title: "The tenant is suspended", text: "Ask the operator of this installation." },
  UNAUTHENTICATED: { title: "Your session has ended", text: "Sign in again." },
  SIGNED_OUT: { title: "Your session has ended", text: "Sign in again." },
  INVALID_CURSOR: { title: "This page of the list does not exist", text: "The address does not fit this list. Go to the first page." },
};

const UNREACHABLE: Problem = {
  title: "The API cannot be reached",
  text: "Check your connection, and that the installation is running.",
};

export function problemOf(error: CombinedError): Problem {
  const [first] = error.graphQLErrors;
  if (!first) return UNREACHABLE;
  const { code, ref, missing } = first.extensions as { code?: string; ref?: string; missing?: string[] };
  if (code === "FORBIDDEN" && missing?.length) {
    const text = `It needs the permission ${missing.join(", ")}. Ask an owner or an administrator of the tenant.`;
    return { title: "You may not see this", text };
  }
  return (
    TEXTS[code ?? ""] ?? {
      title: "Something went wrong",
      text: ref ? `${first.message} The log of the server has more under ${ref}.` : first.message,
    }
  );
}

/** What is wrong with the values of a form, by their path in the input, such as `session.silence.0.delay`. */
export type Problems = Readonly<Record<string, string>>;

/** The problem of the value at the path, or the first one inside of it. */
export const problemAt = (problems: Problems, path: string): string | undefined =>
  problems[path] ?? Object.entries(problems).find(([each]) => each.startsWith(`${path}.`))?.[1];

/** The message of an error that a mutation returned, for a sentence in a form. */
export const messageOf = (error: { code: string; message: string }): string =>
  ({
    UNREACHABLE: `${UNREACHABLE.title}. ${UNREACHABLE.text}`,
    TIMEOUT: "The API did not respond in time. Check whether the change was made.",
  })[error.code] ?? error.message;
