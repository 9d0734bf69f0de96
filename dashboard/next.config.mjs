// `npm run build` makes a static export, which the API serves at /studio. In development, `npm run dev` talks to
// the API at NEXT_PUBLIC_STUDIO_API, which has to allow the origin of this server (ALLOWED_ORIGINS).

/** @type {import("next").NextConfig} */
export default {
  output: "export",
  basePath: "/studio",
  trailingSlash: true,
  reactStrictMode: true,
  images: { unoptimized: true },
  // A random build id would make each build differ from the one before.
  generateBuildId: () => "studio",
  // build.mjs reads the names of the packages that are shipped from these maps, and deletes them.
  productionBrowserSourceMaps: true,
  // `npm run check` checks the types.
  typescript: { ignoreBuildErrors: true },
  turbopack: { root: import.meta.dirname },
};
