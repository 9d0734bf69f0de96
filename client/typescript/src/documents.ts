// Documents with types, as GraphQL Code Generator makes them, and what can be said about their types.

import { print, type DocumentNode } from 'graphql';

/** What the client preset attaches to a document: its result and its variables, which exist as types only. */
export interface DocumentTypeDecoration<Data, Variables> {
  __apiType?: (variables: Variables) => Data;
}

/** A document of the client preset, in either `documentMode`. */
export type TypedDocument<Data, Variables> = (DocumentNode | String) & DocumentTypeDecoration<Data, Variables>;

/** Declare the types of a document that is written by hand. */
export const typed = <Data, Variables = Record<string, never>>(
  document: string,
): TypedDocument<Data, Variables> => new String(document);

export const textOf = (document: DocumentNode | String): string =>
  'kind' in document ? print(document) : document.toString();

type NoVariables<Variables> = Record<string, never> extends Variables ? true : false;

/** Variables and options; a document without required variables can be sent without any. */
export type Arguments<Variables, Options> =
  NoVariables<Variables> extends true
    ? [variables?: Variables, options?: Options]
    : [variables: Variables, options?: Options];

type Root<Data> = NonNullable<Data[Exclude<keyof Data, '__typename'>]>;
interface ErrorMember {
  readonly code: string;
  readonly message: string;
}

/** The members of a mutation's result union that are errors: those with `code` and `message`. */
export type ErrorOf<Data> = Extract<Root<Data>, ErrorMember>;

/** The other members. */
export type SuccessOf<Data> = Exclude<Root<Data>, ErrorMember>;

/** Split the only root field of a mutation into its success and its error. */
export function isErrorMember(member: unknown): member is ErrorMember {
  if (typeof member !== 'object' || member === null) return false;
  const { code, message } = member as { code?: unknown; message?: unknown };
  return typeof code === 'string' && typeof message === 'string';
}
