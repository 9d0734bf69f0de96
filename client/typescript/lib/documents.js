// Documents with types, as GraphQL Code Generator makes them, and what can be said about their types.
import { print } from 'graphql';
/** Declare the types of a document that is written by hand. */
export const typed = (document) => new String(document);
export const textOf = (document) => 'kind' in document ? print(document) : document.toString();
/** Split the only root field of a mutation into its success and its error. */
export function isErrorMember(member) {
    if (typeof member !== 'object' || member === null)
        return false;
    const { code, message } = member;
    return typeof code === 'string' && typeof message === 'string';
}
