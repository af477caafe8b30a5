export const apiVersions = ['v1.0', 'v1.2'] as const;
export type ApiVersion = (typeof apiVersions)[number];

/** A call without its transport. */
export type Call = {
  version: ApiVersion;
  /** Parameters of the path, as the caller wrote them. */
  params: { collection?: string; person?: string; face?: string };
  query: Record<string, string | undefined>;
  /** The body, if it is an image. */
  image: Uint8Array | undefined;
  /** The body as a JSON object without properties that are null. @throws FaceFault when the body is anything else */
  json(): Record<string, unknown>;
};
