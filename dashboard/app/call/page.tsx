import { Suspense } from "react";
import { CallPage } from "@/call/call-page";

export default function Page() {
  return (
    <Suspense>
      <CallPage />
    </Suspense>
  );
}
