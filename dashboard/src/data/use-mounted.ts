"use client";

import { useEffect, useRef } from "react";

/** Whether the component is still shown: an answer that comes later must not close or leave what the reader has opened meanwhile. */
export function useMounted() {
  const isMounted = useRef(true);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  return isMounted;
}
