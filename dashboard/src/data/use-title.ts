"use client";

import { useEffect } from "react";

export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · Agent Studio`;
  }, [title]);
}
