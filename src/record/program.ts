/** This program, as the record and `--version` name it. A test holds it to package.json. */
export const program = { name: 'comfy-nix', version: '1.0.0' } as const;
