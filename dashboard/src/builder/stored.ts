// From the workflow of the API to a draft, and back.

import type { BuilderWorkflowFragment, ConnectionInput, NodeInput, UpdateWorkflowInput, WorkflowInput } from "@/gql/builder";
import { isEqual } from "./equality";
import {
  ANSWERING,
  free,
  idOf,
  NEW_CONNECTION,
  NO_TRANSFER,
  type Draft,
  type DraftConnection,
  type DraftNode,
  type Saved,
} from "./model";
import { placed } from "./placement";

/** The stored draft. Nodes keep the `uid` and the position that they have in `known`. */
export async function readWorkflow(workflow: BuilderWorkflowFragment, known?: Draft): Promise<Saved> {
  const { graph, recording, answering } = workflow;
  const uids = new Set<string>();
  const unplaced = graph.nodes.map(({ key, agentName, isEntry, isExit, skipCondition, onEntry, transfer, position }) => {
    const before = known?.nodes.find(({ id, uid }) => id === key && !uids.has(uid));
    const uid = before?.uid ?? free(key, (name) => uids.has(name) || !!known?.nodes.some((node) => node.uid === name && node.id !== key));
    uids.add(uid);
    return {
      uid,
      id: key,
      agent: agentName,
      isEntry,
      isExit,
      skipCondition: skipCondition ?? "",
      onEntry,
      transfer: transfer ? withoutNulls(NO_TRANSFER, transfer) : NO_TRANSFER,
      position: position ? { x: position.x, y: position.y } : (before?.position ?? null),
    };
  });
  const uidOf = (id: string) => unplaced.find((node) => node.id === id)?.uid ?? id;
  const connections = graph.connections.reduce<readonly DraftConnection[]>((all, connection) => {
    const [source, target] = [uidOf(connection.source), uidOf(connection.target)];
    const uid = free(`${source}->${target}`, (name) => all.some((other) => other.uid === name));
    return [...all, { ...withoutNulls(NEW_CONNECTION, connection), uid, source, target }];
  }, []);
  const draft: Draft = {
    slug: workflow.slug,
    name: workflow.name === workflow.slug ? "" : workflow.name,
    description: workflow.description ?? "",
    sharedContext: graph.sharedContext,
    isRecorded: recording.enabled,
    announcement: recording.announcement ?? "",
    answering: withoutNulls(ANSWERING, answering),
    nodes: await placed(unplaced, connections),
    connections,
  };
  return { revision: workflow.revision, updatedAt: workflow.updatedAt, draft };
}

type WithNulls<Fields> = { readonly [Name in keyof Fields]: Fields[Name] | null };

/** The fields of `empty` with the values of `given`; null becomes the empty value. */
function withoutNulls<Fields extends object>(empty: Fields, given: WithNulls<Fields>): Fields {
  const result = { ...empty };
  for (const name in empty) result[name] = given[name] ?? empty[name];
  return result;
}

const orNull = (text: string) => text.trim() || null;

/** The draft without the positions of its nodes, which change nothing in calls. */
export function configOf(draft: Draft): WorkflowInput {
  const { slug, name, description, sharedContext, isRecorded, announcement, answering, connections } = draft;
  return {
    slug,
    name: orNull(name),
    description: orNull(description),
    nodes: draft.nodes.map(nodeInput),
    connections: connections.map((connection) => connectionInput(draft, connection)),
    sharedContext: [...sharedContext],
    recording: { enabled: isRecorded, announcement: orNull(announcement) },
    answering: {
      ...answering,
      message: orNull(answering.message),
      introduction: orNull(answering.introduction),
      goal: orNull(answering.goal),
    },
  };
}

function nodeInput(node: DraftNode): NodeInput {
  const { id, agent, isEntry, isExit, skipCondition, onEntry, transfer } = node;
  return {
    id,
    agent,
    isEntry,
    isExit,
    skipCondition: orNull(skipCondition),
    onEntry,
    transfer:
      onEntry === "TRANSFER_CALL"
        ? {
            number: transfer.number,
            mode: transfer.mode,
            trunk: orNull(transfer.trunk),
            extension: orNull(transfer.extension),
            brief: orNull(transfer.brief),
            ringingTimeout: orNull(transfer.ringingTimeout),
            announcement: orNull(transfer.announcement),
          }
        : null,
  };
}

function connectionInput(draft: Draft, { uid, condition, contextPassed, ...connection }: DraftConnection): ConnectionInput {
  return {
    ...connection,
    source: idOf(draft, connection.source),
    target: idOf(draft, connection.target),
    condition: orNull(condition),
    contextPassed: [...contextPassed],
  };
}

/** The fields that differ from the stored draft. */
export function changesOf(before: Draft, now: Draft): Omit<UpdateWorkflowInput, "id" | "expectedRevision"> {
  const [old, config] = [withPositions(before), withPositions(now)];
  const isChanged = (name: keyof WorkflowInput) => !isEqual(old[name], config[name]);
  return {
    ...(isChanged("slug") && { slug: config.slug }),
    ...(isChanged("name") && { name: config.name }),
    ...(isChanged("description") && { description: config.description }),
    ...(isChanged("nodes") && { nodes: config.nodes }),
    ...(isChanged("connections") && { connections: config.connections }),
    ...(isChanged("sharedContext") && { sharedContext: config.sharedContext }),
    ...(isChanged("recording") && { recording: config.recording }),
    ...(isChanged("answering") && { answering: config.answering }),
  };
}

function withPositions(draft: Draft) {
  return { ...configOf(draft), nodes: draft.nodes.map((node) => ({ ...nodeInput(node), position: node.position })) };
}

export const isSame = (a: Draft, b: Draft) => a === b || Object.keys(changesOf(a, b)).length === 0;
