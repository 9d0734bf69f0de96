"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { EndSessionDocument, EndSessionsDocument, type SessionRowFragment } from "@/gql/profile";
import { messageOf } from "@/data/problem";
import { useSignOut } from "@/data/use-sign-out";
import { Ask, type Question } from "@/ui/ask";
import { Button } from "@/ui/button";
import { Section } from "@/ui/section";
import { useToast } from "@/ui/toast";
import { deviceOf } from "./device";
import { SessionList } from "./session-list";

export function OwnSessions({ sessions, onChanged }: { sessions: readonly SessionRowFragment[]; onChanged(): void }) {
  const studio = useStudio();
  const signOut = useSignOut();
  const toast = useToast();
  const [ending, setEnding] = useState<string | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const end = async ({ id, userAgent }: SessionRowFragment) => {
    setEnding(id);
    const result = await studio.mutate(EndSessionDocument, { input: { id } });
    setEnding(null);
    if (!result.ok) return toast("bad", messageOf(result.error));
    toast("ok", `The session of ${deviceOf(userAgent)} was ended.`);
    onChanged();
  };
  const askForAll: Question = {
    title: "End all other sessions?",
    description: "You are signed out everywhere but here, in all of your tenants, within a second.",
    confirm: "End the others",
    run: async () => {
      const result = await studio.mutate(EndSessionsDocument, { input: { keepCurrent: true } });
      if (!result.ok) return result;
      const { ended } = result.value;
      toast("ok", ended === 1 ? "One session was ended." : `${ended} sessions were ended.`);
      onChanged();
      return result;
    },
  };
  return (
    <Section title="Sessions" text="Where you are signed in, in all tenants.">
      <SessionList
        sessions={sessions}
        action={(session) =>
          session.isCurrent ? (
            <Button onClick={() => void signOut()}>Sign out</Button>
          ) : (
            <Button aria-label={`End the session of ${deviceOf(session.userAgent)}`} busy={ending === session.id} onClick={() => void end(session)}>
              End
            </Button>
          )
        }
      />
      {sessions.some(({ isCurrent }) => !isCurrent) && (
        <p className="flex justify-end">
          <Button onClick={() => setQuestion(askForAll)}>End all others…</Button>
        </p>
      )}
      <Ask question={question} onClose={() => setQuestion(null)} />
    </Section>
  );
}
