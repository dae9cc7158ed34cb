const architectures: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  arm: 'armv7l',
  ia32: 'i686',
  riscv64: 'riscv64',
};

/** Nix's name of the machine's system. */
export const machineSystem = ({
  platform,
  arch,
}: Pick<NodeJS.Process, 'platform' | 'arch'> = process) =>
  `${architectures[arch] ?? arch}-${platform}`;
