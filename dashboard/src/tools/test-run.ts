// What a test run of a tool is given besides its arguments: what its servers and the caller would answer.

import type { McpStubInput, StubInput, TestToolInput } from "@/gql/tool";
import { parseJson } from "@/data/json";
import { textOf } from "./codecs";
import type { Draft, Step } from "./draft";
import { allSteps } from "./form-context";
import { parsedObject } from "./json";

/** The answer to a request, or the result of an MCP tool. */
export interface Stub {
  readonly status: string;
  /** JSON; empty for an empty body. */
  readonly body: string;
  /** The tool of the MCP server reports that it failed. */
  readonly isFailed: boolean;
}

export interface TestValues {
  /** JSON. */
  readonly args: string;
  readonly context: string;
  readonly isLive: boolean;
  /** By the id of the step. */
  readonly stubs: Readonly<Record<string, Stub>>;
  /** One line for each attempt. */
  readonly digits: string;
}

export const NO_STUB: Stub = { status: "200", body: "", isFailed: false };

export const CONTEXT = `{
  "user": {},
  "workflow": {},
  "flags": {}
}`;

export const NEW_TEST: TestValues = { args: "{}", context: CONTEXT, isLive: false, stubs: {}, digits: "" };

export const requestsOf = (draft: Draft): readonly Step[] => allSteps(draft).filter(({ kind }) => kind === "apiCall" || kind === "mcpCall");
export const asksForDigits = (draft: Draft): boolean => allSteps(draft).some(({ kind }) => kind === "collectDigits");
export const usesTelephone = (draft: Draft): boolean => allSteps(draft).some(({ kind }) => kind === "sendDtmf" || kind === "transferCall");

/** What is wrong, by the name of the field or the id of the step of a stub. */
export type TestProblems = Readonly<Record<string, string>>;

export function testProblems(draft: Draft, test: TestValues): TestProblems {
  const problems: Record<string, string> = {};
  const note = (name: string, problem: { readonly message: string } | null) => {
    if (problem) problems[name] = problem.message;
  };
  note("arguments", parsedObject(test.args).problem);
  note("context", parsedObject(test.context).problem);
  for (const { id } of test.isLive ? [] : requestsOf(draft)) {
    const { body, status } = test.stubs[id] ?? NO_STUB;
    note(id, /^[1-5]\d\d$/.test(status) ? null : { message: "The status is a number from 100 to 599." });
    note(id, bodyOf(body).problem);
  }
  return problems;
}

const bodyOf = (text: string) => (text.trim() ? parseJson(text) : { value: null, problem: null });

export function testInput(id: string, draft: Draft, test: TestValues): TestToolInput {
  const stubs: StubInput[] = [];
  const mcpStubs: McpStubInput[] = [];
  for (const { id: step, kind, values } of requestsOf(draft)) {
    const { status, body, isFailed } = test.stubs[step] ?? NO_STUB;
    const { value } = bodyOf(body);
    if (kind === "apiCall") stubs.push({ status: Number(status), body: value });
    else mcpStubs.push({ server: textOf(values.server), tool: textOf(values.tool), result: value, error: isFailed });
  }
  const digits = test.digits.split("\n").map((line) => line.trim());
  return {
    id,
    arguments: parsedObject(test.args).object,
    context: parsedObject(test.context).object,
    live: test.isLive,
    ...(!test.isLive && { stubs, mcpStubs }),
    ...(asksForDigits(draft) && { digits: digits.at(-1) === "" ? digits.slice(0, -1) : digits }),
  };
}
