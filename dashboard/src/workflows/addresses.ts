// Addresses of the pages of a workflow.

export const builderHref = (id: string) => `/workflow/?id=${encodeURIComponent(id)}`;

/** `shown` is the id of a version; the draft if omitted. */
export function versionsHref(workflow: string, shown?: string): string {
  return `/versions/?${new URLSearchParams({ workflow, ...(shown && { version: shown }) })}`;
}
