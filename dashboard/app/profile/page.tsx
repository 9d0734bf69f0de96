import { Suspense } from "react";
import { ProfilePage } from "@/profile/profile-page";

export default function Page() {
  return (
    <Suspense>
      <ProfilePage />
    </Suspense>
  );
}
