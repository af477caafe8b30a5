const minuteMs = 60_000;
/** Different warnings that are remembered; the one that has been for the longest makes room. */
const remembered = 100;

type Warning = { line: string; repeats: number; timer: NodeJS.Timeout };

/**
 * Says a warning when it first comes, and then once a minute how often it came again, until a minute passes without
 * it. Warnings that differ in numbers only are the same.
 */
export function createRepeatFilter(write: (line: string) => void) {
  const warnings = new Map<string, Warning>();

  function tell({ line, repeats }: Warning): void {
    if (repeats > 0) write(`${line} (repeated ${repeats} ${repeats === 1 ? 'time' : 'times'})`);
  }

  function forget(key: string, warning: Warning): void {
    clearTimeout(warning.timer);
    warnings.delete(key);
    tell(warning);
  }

  function minutePassed(key: string, warning: Warning): void {
    if (warning.repeats === 0) return forget(key, warning);
    tell(warning);
    warning.repeats = 0;
    warning.timer.refresh();
  }

  return {
    say(line: string): void {
      const key = line.replaceAll(/\d+/g, '0');
      const known = warnings.get(key);
      if (known !== undefined) {
        known.repeats += 1;
        return;
      }
      const [oldest] = warnings;
      if (oldest !== undefined && warnings.size >= remembered) forget(...oldest);
      write(line);
      const timer = setTimeout(() => {
        const warning = warnings.get(key);
        if (warning !== undefined) minutePassed(key, warning);
      }, minuteMs).unref();
      warnings.set(key, { line, repeats: 0, timer });
    },
    /** Says what is left to say. */
    close(): void {
      for (const [key, warning] of warnings) forget(key, warning);
    },
  };
}
