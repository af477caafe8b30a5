import { ShrinkingRows } from './rows.ts';
import type { Decoded } from './decoder.ts';

/*
 * The part of the API of libheif's WebAssembly build that is used here. libheif is licensed under the LGPL, so it is
 * not bundled but stays a package of its own (docs/dependencies.md).
 */

type Value = { value: number };
type Failure = { code: Value };
type Handle = { delete(): void };
type Plane = { id: Value; width: number; height: number; stride: number; data: Uint8Array };
type Libheif = {
  heif_context_alloc(): Handle;
  heif_context_read_from_memory(context: Handle, bytes: Uint8Array): Failure;
  heif_js_context_get_primary_image_handle(context: Handle): Handle | Failure;
  heif_js_decode_image2(
    handle: Handle,
    colorspace: Value,
    chroma: Value,
  ): { channels: Plane[]; image: Handle } | Failure;
  heif_colorspace: { heif_colorspace_RGB: Value };
  heif_chroma: { heif_chroma_interleaved_RGB: Value };
};

/** Decodes the primary image upright. Returns undefined when the image cannot be decoded. */
export async function decodeHeic(bytes: Uint8Array, shrinkBy: number): Promise<Decoded | undefined> {
  // @ts-expect-error The package has no types for this file.
  const { default: heif } = (await import('libheif-js/wasm-bundle.js')) as { default: Libheif };
  const context = heif.heif_context_alloc();
  if (heif.heif_context_read_from_memory(context, bytes).code.value !== 0) return undefined;
  const handle = heif.heif_js_context_get_primary_image_handle(context);
  if ('code' in handle) return undefined;
  const decoded = heif.heif_js_decode_image2(
    handle,
    heif.heif_colorspace.heif_colorspace_RGB,
    heif.heif_chroma.heif_chroma_interleaved_RGB,
  );
  if ('code' in decoded) return undefined;
  const [plane] = decoded.channels;
  if (plane === undefined) return undefined;
  const { width, height, stride, data } = plane;
  const rows = new ShrinkingRows({ width, height }, shrinkBy);
  for (let y = 0; y < height; y += 1) rows.add(y, data.subarray(y * stride, y * stride + width * 3));
  return { image: rows.finish(), rows: height };
}
