"use client";

import { usePathname, useRouter, useSearchParams } from "next/navigation";
import { useCallback, useMemo } from "react";

/** The query of the address, and how to go to another one on the same page. */
export function useQueryString() {
  const search = useSearchParams();
  const router = useRouter();
  const path = usePathname();
  const text = search.toString();
  const query = useMemo(() => new URLSearchParams(text), [text]);
  const go = useCallback(
    (next: URLSearchParams, how: "push" | "replace" = "push") =>
      router[how](next.size ? `${path}?${next}` : path, { scroll: false }),
    [router, path],
  );
  return [query, go] as const;
}
