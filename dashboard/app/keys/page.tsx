import { Suspense } from "react";
import { KeysPage } from "@/keys/keys-page";

export default function Page() {
  return (
    <Suspense>
      <KeysPage />
    </Suspense>
  );
}
