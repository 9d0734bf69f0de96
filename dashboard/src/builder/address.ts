// What is selected, in the address of the page.

import { connectionOf, idOf, nodeOf, NOTHING, oneConnection, oneNode, type Draft, type Selection } from "./model";

/** `?node=desk` or `?connection=desk->booking`, so that a link leads to what is selected. */
export function selectionOfAddress(draft: Draft): Selection {
  const query = new URLSearchParams(location.search);
  const node = draft.nodes.find(({ id }) => id === query.get("node"));
  if (node) return oneNode(node.uid);
  const connection = draft.connections.find(
    (each) => `${idOf(draft, each.source)}->${idOf(draft, each.target)}` === query.get("connection"),
  );
  return connection ? oneConnection(connection.uid) : NOTHING;
}

export function writeAddress(draft: Draft, { nodes, connections }: Selection) {
  const url = new URL(location.href);
  const [node, connection] = [nodeOf(draft, nodes[0] ?? ""), connectionOf(draft, connections[0] ?? "")];
  url.searchParams.delete("node");
  url.searchParams.delete("connection");
  if (node && nodes.length === 1) url.searchParams.set("node", node.id);
  else if (connection && connections.length === 1) {
    url.searchParams.set("connection", `${idOf(draft, connection.source)}->${idOf(draft, connection.target)}`);
  }
  if (url.href !== location.href) history.replaceState(null, "", url);
}
