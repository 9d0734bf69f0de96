"use client";

import { useCallback, useEffect, useState } from "react";
import { useClient, type CombinedError } from "urql";
import { DraftStateDocument, type DraftStateQuery } from "@/gql/versions";
import { useMay } from "@/data/viewer";

/** A comparison shows prompts and tools. */
export function useMayCompare(): boolean {
  const scopes = [useMay("AGENTS_READ"), useMay("TOOLS_READ")];
  return scopes.every(Boolean);
}

interface DraftState {
  /** Null if the workflow has been deleted, undefined until it is there. */
  readonly workflow: DraftStateQuery["workflow"] | undefined;
  readonly error: CombinedError | undefined;
  /** What is shown is not the draft any more: another one is being read. */
  readonly isLoading: boolean;
}

const LOADING: DraftState = { workflow: undefined, error: undefined, isLoading: true };

/** The draft and its changes as they were when they were read. They do not follow the edits of others as the cache does, so that
    what a dialog does concerns the revision that it shows. */
export function useDraftState(id: string, pause = false) {
  const client = useClient();
  const [state, setState] = useState(LOADING);
  const load = useCallback(async () => {
    if (pause) return;
    setState((before) => ({ ...before, error: undefined, isLoading: true }));
    const { data, error } = await client.query(DraftStateDocument, { id }, { requestPolicy: "network-only" }).toPromise();
    setState((before) => ({ workflow: data ? data.workflow : before.workflow, error: data ? undefined : error, isLoading: false }));
  }, [client, id, pause]);
  useEffect(() => void load(), [load]);
  return { ...state, isLoading: state.isLoading && !pause, load: () => void load() };
}
