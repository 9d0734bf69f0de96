import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { App } from "@/shell/app";
import "./globals.css";

export const metadata: Metadata = {
  title: "Agent Studio",
  description: "Voice agents and their calls",
  icons: { icon: "/studio/icon.svg" },
  robots: { index: false },
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f6f6f9" },
    { media: "(prefers-color-scheme: dark)", color: "#0f1116" },
  ],
};

// Before the first paint: the theme that was chosen, and whether the frame of the pages or the sign-in is to be shown.
const BOOT = `(function(){try{var h=document.documentElement,t=localStorage.getItem("agent-studio:theme");
if(t==="light"||t==="dark")h.dataset.theme=t;
h.dataset.signedIn=localStorage.getItem("agent-studio:signed-in")?"yes":"no"}catch(e){}})()`;

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        <script dangerouslySetInnerHTML={{ __html: BOOT }} />
      </head>
      <body>
        <App>{children}</App>
      </body>
    </html>
  );
}
