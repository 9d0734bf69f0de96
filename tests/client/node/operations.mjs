// Operations of the tests, without types.

import { typed } from 'agent-studio-client';

export const START = typed(`mutation ($input: StartCallInput!) { startCall(input: $input) {
  __typename ... on StartCallSuccess { call { id state } } ... on Error { code message path } } }`);
export const VIEWER = typed('{ viewer { subject person { email } } }');
export const AGENTS = typed(`query ($first: Int, $after: Cursor, $last: Int, $before: Cursor) {
  agents(first: $first, after: $after, last: $last, before: $before) {
    edges { node { name } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`);
export const CREATE_AGENT = typed(`mutation ($input: CreateAgentInput!) { createAgent(input: $input) {
  __typename ... on CreateAgentSuccess { agent { name } } ... on Error { code message path } } }`);
export const ENROL = typed(`mutation ($input: EnrolTotpInput!) { enrolTotp(input: $input) {
  ... on EnrolTotpSuccess { secret } ... on Error { code message } } }`);
export const CONFIRM = typed(`mutation ($input: ConfirmTotpInput!) { confirmTotp(input: $input) {
  ... on RecoveryCodesSuccess { recoveryCodes } ... on Error { code message } } }`);

/** The value of a result that is not an error. */
export function valueOf(result) {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
