import { ApiError } from '../apiClient.ts';
import { openImageFile } from '../imageFile.ts';
import type { Connection } from '../where/connect.ts';
import { ConnectionError } from '../where/connectionError.ts';
import type { LocalImage } from './selectFiles.ts';

/** Sends a file. @throws ApiError, ConnectionError, and any error of reading the file */
export type Upload = (image: LocalImage, file: string) => Promise<void>;

/** Sends over HTTP, or straight to the container where the deployment was remembered with its storage account. */
export async function createUpload({ call, target }: Connection): Promise<Upload> {
  if (target.storageUrl !== undefined) return createStorageUpload(target.storageUrl);
  return async ({ image, person }, file) => {
    const [, group = '', , ...rest] = image.split('/');
    await call('PUT groups/{group}/persons/{person}/images/{*image}', {
      group,
      person,
      image: rest.join('/'),
      body: await openImageFile(file),
    });
  };
}

async function createStorageUpload(storageUrl: string): Promise<Upload> {
  const [{ DefaultAzureCredential }, { BlobServiceClient }] = await Promise.all([
    import('@azure/identity'),
    import('@azure/storage-blob'),
  ]);
  const container = new BlobServiceClient(storageUrl, new DefaultAzureCredential()).getContainerClient(
    'enroll',
  );
  return async ({ image }, file) => {
    await container
      .getBlockBlobClient(image.slice('enroll/'.length))
      .uploadFile(file)
      .catch((error: unknown) => {
        throw explainStorage(storageUrl, error);
      });
  };
}

function explainStorage(storageUrl: string, error: unknown): unknown {
  const { statusCode, name = '' } = error as { statusCode?: number; name?: string };
  if (statusCode === 401 || statusCode === 403)
    return new ConnectionError(
      `${storageUrl} does not let the sign-in write: it needs the role Storage Blob Data Contributor on the container enroll`,
      { cause: error },
    );
  if (/Authentication|CredentialUnavailable/.test(name))
    return new ConnectionError(`nobody is signed in for ${storageUrl}: run az login, then try again`, {
      cause: error,
    });
  if (name === 'RestError' && statusCode === undefined)
    return new ConnectionError(`${storageUrl} does not answer: see whether the address is right`, {
      cause: error,
    });
  return error;
}

/** Whether every other file would meet the same. */
export function endsImport(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof ApiError && error.status === 403);
}
