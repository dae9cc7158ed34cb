#!/usr/bin/env node
// The entry: nothing here needs more than Node 18, so that an older Node can look for a newer one.
import { isNewEnough, runOnNewerNode } from './node-version.ts';

if (isNewEnough(process.versions.node)) {
  const { runCommandLine } = await import('./start.ts');
  process.exitCode = await runCommandLine();
} else process.exitCode = await runOnNewerNode();
