// The addresses of the telephony pages: the tabs are lists, and each object has an address of its own.

export const LISTS = {
  number: { href: "/phone/", title: "Phone numbers" },
  outbound: { href: "/phone/?tab=outbound", title: "Outbound trunks" },
  inbound: { href: "/phone/?tab=inbound", title: "Inbound trunks" },
} as const;

export type PhoneObject = keyof typeof LISTS;

/** Without an id: the form of a new one. */
export const pathOf = (kind: PhoneObject, id = "new") => `/phone/?${kind}=${encodeURIComponent(id)}`;
