import { ApiError } from '../apiClient.ts';
import { openPicture } from '../picture.ts';
import type { Connection } from '../where/connect.ts';
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
      body: await openPicture(file),
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
        const { statusCode } = error as { statusCode?: number };
        if (statusCode === 401 || statusCode === 403)
          throw new NoRole(
            `${storageUrl} does not let the sign-in write: it needs the role Storage Blob Data Contributor on the container enroll`,
            { cause: error },
          );
        throw error;
      });
  };
}

/** The storage lets nobody with this sign-in write. */
class NoRole extends Error {
  override name = 'NoRole';
}

/** Whether every other file would meet the same. */
export function endsImport(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 403;
  return (
    error instanceof Error && ['ConnectionError', 'NoRole', 'CredentialUnavailableError'].includes(error.name)
  );
}
