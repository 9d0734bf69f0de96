import { Suspense } from "react";
import { RolePage } from "@/people/role-page";

export default function Page() {
  return (
    <Suspense>
      <RolePage />
    </Suspense>
  );
}
