const minuteMs = 60_000;
/** How many different warnings are remembered. When there are more, the oldest warning is forgotten. */
const rememberedWarnings = 100;

type Warning = { line: string; repeats: number; timer: NodeJS.Timeout };

/**
 * Writes a warning when it first occurs, and then once per minute how often it was repeated, until a minute passes
 * without the warning. Warnings that differ only in numbers are equal.
 */
export function createRepeatFilter(write: (line: string) => void) {
  const warnings = new Map<string, Warning>();

  function writeRepeats({ line, repeats }: Warning): void {
    if (repeats > 0) write(`${line} (repeated ${repeats} ${repeats === 1 ? 'time' : 'times'})`);
  }

  function forget(key: string, warning: Warning): void {
    clearTimeout(warning.timer);
    warnings.delete(key);
    writeRepeats(warning);
  }

  function minutePassed(key: string, warning: Warning): void {
    if (warning.repeats === 0) return forget(key, warning);
    writeRepeats(warning);
    warning.repeats = 0;
    warning.timer.refresh();
  }

  return {
    warn(line: string): void {
      const key = line.replaceAll(/\d+/g, '0');
      const known = warnings.get(key);
      if (known !== undefined) {
        known.repeats += 1;
        return;
      }
      const [oldest] = warnings;
      if (oldest !== undefined && warnings.size >= rememberedWarnings) forget(...oldest);
      write(line);
      const timer = setTimeout(() => {
        const warning = warnings.get(key);
        if (warning !== undefined) minutePassed(key, warning);
      }, minuteMs).unref();
      warnings.set(key, { line, repeats: 0, timer });
    },
    /** Writes the repeats that were not written yet. */
    close(): void {
      for (const [key, warning] of warnings) forget(key, warning);
    },
  };
}
