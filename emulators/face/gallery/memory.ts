import { createKernel } from './kernel.ts';

const pageBytes = 65_536;
const mostPages = 65_536;
/** Memory grows by at least this much at a time. */
const growthPages = 256;

/** The whole memory as bytes and as numbers. */
export type Views = { bytes: Buffer; signed: Int8Array; ints: Int32Array; floats: Float32Array };

function viewBuffer(buffer: SharedArrayBuffer): Views {
  return {
    bytes: Buffer.from(buffer),
    signed: new Int8Array(buffer),
    ints: new Int32Array(buffer),
    floats: new Float32Array(buffer),
  };
}

/** Returns views of the current memory. Earlier views do not reach memory that was added later. */
export function createViews(memory: WebAssembly.Memory): () => Views {
  let views = viewBuffer(memory.buffer);
  return () => {
    const { buffer } = memory;
    if (views.bytes.byteLength !== buffer.byteLength) views = viewBuffer(buffer);
    return views;
  };
}

/**
 * The memory of all collections, which threads share: at most 4 GiB. Growth never moves or copies its content. Released
 * memory is overwritten, and reused for allocations of the same size.
 */
export function createGalleryMemory() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: mostPages, shared: true });
  // These views stay current, since only this thread grows the memory.
  let views = viewBuffer(memory.buffer);
  const released = new Map<number, number[]>();
  let end = 0;

  /** @throws RangeError when the memory is full */
  function makeRoom(upTo: number): void {
    const missing = Math.ceil((upTo - memory.buffer.byteLength) / pageBytes);
    if (missing <= 0) return;
    const left = mostPages - memory.buffer.byteLength / pageBytes;
    memory.grow(Math.max(missing, Math.min(growthPages, left)));
    views = viewBuffer(memory.buffer);
  }

  /** The address of `size` bytes, all zero, aligned to 16 bytes for SIMD. */
  function allocate(size: number): number {
    const reused = released.get(size)?.pop();
    if (reused !== undefined) return reused;
    const address = end;
    const next = end + Math.ceil(size / 16) * 16;
    makeRoom(next);
    end = next;
    return address;
  }

  function release(address: number, size: number): void {
    views.bytes.fill(0, address, address + size);
    const addresses = released.get(size);
    if (addresses === undefined) released.set(size, [address]);
    else addresses.push(address);
  }

  return {
    memory,
    kernel: createKernel(memory),
    /** Views of the whole memory. Views from before a call of `allocate` may be too short. */
    views: () => views,
    allocate,
    release,
    /** Temporary memory: `release` releases every allocation that was not kept. */
    borrow() {
      const borrowed = new Map<number, number>();
      return {
        allocate(size: number): number {
          const address = allocate(size);
          borrowed.set(address, size);
          return address;
        },
        keep: (address: number) => borrowed.delete(address),
        release(): void {
          for (const [address, size] of borrowed) release(address, size);
          borrowed.clear();
        },
      };
    },
  };
}

export type GalleryMemory = ReturnType<typeof createGalleryMemory>;
export type Loan = ReturnType<GalleryMemory['borrow']>;
