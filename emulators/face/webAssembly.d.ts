/** What we use of WebAssembly; its types come with those of browsers, which are not ours. */
declare namespace WebAssembly {
  class Memory<Shared extends boolean = true> {
    constructor(
      limits: { initial: number; maximum: number } & (Shared extends true ? { shared: true } : object),
    );
    readonly buffer: Shared extends true ? SharedArrayBuffer : ArrayBuffer;
    /** Pages of 64 KiB. @throws RangeError */
    grow(pages: number): number;
  }
  // oxlint-disable-next-line typescript/no-extraneous-class
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, Memory | Memory<false>>>);
    readonly exports: object;
  }
}
