import { useMemo } from "react";
import { qrCode } from "./qr";

/** Dark on light in both themes, with the margin of four modules that readers need. */
export function QrCode({ text }: { text: string }) {
  const code = useMemo(() => qrCode(text), [text]);
  if (!code) return null;
  const size = code.length + 8;
  const path = code.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? `M${x + 4} ${y + 4}h1v1h-1z` : []))).join("");
  return (
    <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label="QR code of the secret" className="mx-auto w-full max-w-56 rounded-md" shapeRendering="crispEdges">
      <path d={`M0 0h${size}v${size}H0z`} fill="white" />
      <path d={path} fill="black" />
    </svg>
  );
}
