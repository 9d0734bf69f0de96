"use client";

import { useToast } from "@/ui/toast";
import { signOut } from "./account";

export function useSignOut() {
  const toast = useToast();
  return async () => {
    const problem = await signOut();
    if (problem) toast("bad", problem);
  };
}
