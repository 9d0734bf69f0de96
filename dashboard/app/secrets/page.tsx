import { Suspense } from "react";
import { SecretsPage } from "@/secrets/secrets-page";

export default function Page() {
  return (
    <Suspense>
      <SecretsPage />
    </Suspense>
  );
}
