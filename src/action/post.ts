import { explain } from '../host/failure.ts';
import { deletePrivateDirectory } from './private-directory.ts';
import { toolkit } from './toolkit.ts';

try {
  await deletePrivateDirectory(process.env, toolkit);
} catch (error) {
  // the job's result is known by now; a folder left behind must not change it
  toolkit.warning(`The run's private folder could not be deleted: ${explain(error)}`);
}
