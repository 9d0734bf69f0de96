"use client";

import { useStudio } from "agent-studio-client/react";
import { useCallback } from "react";
import { EndCallDocument } from "@/gql/end-call";
import { messageOf } from "@/data/problem";
import { useToast } from "@/ui/toast";

/** Ends a test call that nothing shows any longer, and says if that failed. */
export function useEndTest() {
  const studio = useStudio();
  const toast = useToast();
  return useCallback(
    async (callId: string) => {
      const ended = await studio.mutate(EndCallDocument, { input: { callId, byCaller: true } });
      if (!ended.ok) toast("bad", `The test call was not ended: ${messageOf(ended.error)} End it on its page under Calls.`);
    },
    [studio, toast],
  );
}
