import type { VerbName } from '../inputs/verbs.ts';

/** A command line, and what it does. */
export type Example = readonly [command: string, meaning: string];

/** What people type, for the help of each verb. */
export const examples: Readonly<Record<VerbName, readonly Example[]>> = {
  build: [
    ['comfy-nix build .#comfyui', 'Write the image to the OCI layout NAME-image in this folder.'],
    ['comfy-nix build .#comfyui --image ghcr.io/owner/comfyui --tags cu130', 'Push it.'],
    ['ref=$(comfy-nix build .#comfyui --image ghcr.io/owner/comfyui)', 'Keep name@digest.'],
    ['comfy-nix build .#comfyui --image - | docker load', 'Hand it to Docker.'],
  ],
  plan: [
    ['comfy-nix plan .#comfyui --image ghcr.io/owner/comfyui', 'Tell what a build would do.'],
    ['comfy-nix plan .#a .#b --image ghcr.io/owner/comfyui --json', 'The same of two, as JSON.'],
    ["comfy-nix plan --variants 'comfyui-*' --image ghcr.io/owner/comfyui", 'Of all variants.'],
  ],
  why: [
    ['comfy-nix why --flake .#comfyui --image ghcr.io/owner/comfyui', 'Tell what changed.'],
    ['comfy-nix why layer4-deps --flake .#comfyui --image ghcr.io/owner/comfyui', 'The chain.'],
  ],
  setup: [
    ['comfy-nix setup --cachix-name mine', 'Install Nix if there is none, and add caches.'],
    ['comfy-nix setup --check', 'Say what would be written, and what is in effect.'],
    ['comfy-nix setup --undo', 'Take back what was written for this account.'],
  ],
  prefetch: [
    ['comfy-nix prefetch', 'Write wheels.lock.json for the wheels.toml of this folder.'],
    ['comfy-nix prefetch --check', 'Fail where the lock is not up to date.'],
  ],
  audit: [
    ['comfy-nix audit .#comfyui', 'Tell where its packages come from.'],
    ['comfy-nix audit .#comfyui --audit-fail-on error', 'Fail where something will hurt.'],
  ],
  report: [
    ['comfy-nix report ghcr.io/owner/comfyui:cu130', 'Tell what the run that made it did.'],
    ['comfy-nix report record.json --html report.html', 'Make a page of it.'],
  ],
  copy: [
    ['comfy-nix copy oci:comfyui-image ghcr.io/owner/comfyui:cu130', 'Push a layout.'],
    ['comfy-nix copy ./result docker-archive:image.tar', 'Keep an image that Nix has built.'],
  ],
};
