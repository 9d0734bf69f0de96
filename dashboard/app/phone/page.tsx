import { Suspense } from "react";
import { PhonePage } from "@/phone/phone-page";

export default function Page() {
  return (
    <Suspense>
      <PhonePage />
    </Suspense>
  );
}
