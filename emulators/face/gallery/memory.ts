import { createKernel } from './kernel.ts';

const pageBytes = 65_536;
const mostPages = 65_536;
/** Memory grows by at least this much at a time. */
const growthPages = 256;

/** The whole memory as numbers. */
export type Views = { bytes: Buffer; signed: Int8Array; ints: Int32Array; floats: Float32Array };

function viewsOf(buffer: SharedArrayBuffer): Views {
  return {
    bytes: Buffer.from(buffer),
    signed: new Int8Array(buffer),
    ints: new Int32Array(buffer),
    floats: new Float32Array(buffer),
  };
}

/** Views of all the memory there is now; older ones end where it ended when they were made. */
export function createViews(memory: WebAssembly.Memory): () => Views {
  let views = viewsOf(memory.buffer);
  return () => {
    const { buffer } = memory;
    if (views.bytes.byteLength !== buffer.byteLength) views = viewsOf(buffer);
    return views;
  };
}

/**
 * The memory of all galleries, which threads share: at most 4 GiB. It grows in place, so that nothing is ever copied;
 * what is released is overwritten, and given to the next who asks for as much.
 */
export function createGalleryMemory() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: mostPages, shared: true });
  // Only this thread lets it grow.
  let views = viewsOf(memory.buffer);
  const released = new Map<number, number[]>();
  let end = 0;

  /** @throws RangeError when the memory is full */
  function makeRoom(upTo: number): void {
    const missing = Math.ceil((upTo - memory.buffer.byteLength) / pageBytes);
    if (missing <= 0) return;
    const left = mostPages - memory.buffer.byteLength / pageBytes;
    memory.grow(Math.max(missing, Math.min(growthPages, left)));
    views = viewsOf(memory.buffer);
  }

  /** The address of so many bytes, all zero, for vectors of 16 bytes. */
  function allocate(size: number): number {
    const again = released.get(size)?.pop();
    if (again !== undefined) return again;
    const address = end;
    const next = end + Math.ceil(size / 16) * 16;
    makeRoom(next);
    end = next;
    return address;
  }

  function release(address: number, size: number): void {
    views.bytes.fill(0, address, address + size);
    const others = released.get(size);
    if (others === undefined) released.set(size, [address]);
    else others.push(address);
  }

  return {
    memory,
    kernel: createKernel(memory),
    /** Views of all there is; of before the last call of `allocate`, they may be too short. */
    views: () => views,
    allocate,
    release,
    /** Memory for a while: what is not kept until then is released together. */
    borrow() {
      const taken = new Map<number, number>();
      return {
        allocate(size: number): number {
          const address = allocate(size);
          taken.set(address, size);
          return address;
        },
        keep: (address: number) => taken.delete(address),
        release(): void {
          for (const [address, size] of taken) release(address, size);
          taken.clear();
        },
      };
    },
  };
}

export type GalleryMemory = ReturnType<typeof createGalleryMemory>;
export type Loan = ReturnType<GalleryMemory['borrow']>;
