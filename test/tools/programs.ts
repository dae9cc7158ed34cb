import { processRunner } from '../../src/host/process.ts';

/**
 * Runs a program, without blocking servers in this process; returns its output, or throws with it.
 */
export async function runProgram(file: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await processRunner(process.env)({ file, args, limit: 'none' });
  if (code === 0) return stdout;
  throw new Error(`${file} ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
}
