import { Suspense } from "react";
import { AccountPage } from "@/profile/account-page";

export default function Page() {
  return (
    <Suspense>
      <AccountPage />
    </Suspense>
  );
}
