import { type DocumentNode } from 'graphql';
/** What the client preset attaches to a document: its result and its variables, which exist as types only. */
export interface DocumentTypeDecoration<Data, Variables> {
    __apiType?: (variables: Variables) => Data;
}
/** A document of the client preset, in either `documentMode`. */
export type TypedDocument<Data, Variables> = (DocumentNode | String) & DocumentTypeDecoration<Data, Variables>;
/** Declare the types of a document that is written by hand. */
export declare const typed: <Data, Variables = Record<string, never>>(document: string) => TypedDocument<Data, Variables>;
export declare const textOf: (document: DocumentNode | String) => string;
type NoVariables<Variables> = Record<string, never> extends Variables ? true : false;
/** Variables and options; a document without required variables can be sent without any. */
export type Arguments<Variables, Options> = NoVariables<Variables> extends true ? [variables?: Variables, options?: Options] : [variables: Variables, options?: Options];
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
export declare function isErrorMember(member: unknown): member is ErrorMember;
export {};
