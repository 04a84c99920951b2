/**
 * The environment of the server and the browser that the tests start: the same on every machine.
 *
 * Locale, time zone, proxies, settings of Afterword and configuration of whoever runs the tests do not reach them.
 */

/** What a program needs of the surroundings: where programs, models and Python packages are. */
const PASSED = [
  'PATH',
  'HOME',
  'USER',
  'TMPDIR',
  'TMP',
  'TEMP',
  'SYSTEMROOT',
  'LD_LIBRARY_PATH',
  'PYTHONPATH',
  'XDG_CACHE_HOME',
  'HF_HOME',
];

/** Environment variables for a program; `folder` is empty and takes the place of the user's configuration. */
export function fixedEnvironment(folder: string): Record<string, string> {
  const passed = PASSED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(passed),
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    XDG_CONFIG_HOME: folder,
    XDG_RUNTIME_DIR: folder,
    NO_PROXY: '*',
  };
}

/** What a page in the browser learns of the machine. */
export const SAME_EVERYWHERE = {
  locale: 'en-US',
  timezoneId: 'UTC',
  colorScheme: 'light',
  deviceScaleFactor: 1,
  viewport: { width: 1280, height: 720 },
} as const;
