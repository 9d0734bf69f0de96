import { Suspense } from "react";
import { IdentityProviderPage } from "@/people/identity-provider-page";

export default function Page() {
  return (
    <Suspense>
      <IdentityProviderPage />
    </Suspense>
  );
}
