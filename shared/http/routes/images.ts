import { personKeyOf } from '../../records/keys.ts';
import { pictureOf } from '../body.ts';
import { pageOf, pageQueryOf, tokenOf } from '../page.ts';
import type { ApiRequest, Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { toImage } from '../toResponse.ts';
import { parseGroupName, loadGroup, parsePersonName } from './names.ts';

const imageFailures = ['bad_request', 'bad_path', 'storage_unavailable', 'conflict'] as const;

/** Routes that list images, upload and delete an image, and redrive failed images. */
export const imageRoutes = [
  {
    name: 'listImages',
    tag: 'images',
    method: 'GET',
    path: 'groups/{group}/images',
    summary:
      'List the images of a group with their states and reasons, in a fixed order that is not that of paths',
    access: 'enroll',
    query: schemas.imageQuery,
    answer: { status: 200, schema: schemas.pages.images },
    failures: ['bad_request', 'bad_path', 'group_not_found', 'storage_unavailable'],
    async handle(request, rollcall) {
      const { person, ...query } = pageQueryOf(request, schemas.imageQuery);
      const group = await loadGroup(request, rollcall);
      const key = person === undefined ? undefined : personKeyOf(group.group, parsePersonName(person));
      const { generation } = group;
      const page = await rollcall.imageRecords.listImages(group.group, { ...query, person: key, generation });
      return { body: pageOf(request, page, toImage) };
    },
  },
  {
    name: 'listAllImages',
    tag: 'images',
    method: 'GET',
    path: 'images',
    summary: 'List the images of all groups, and those whose path names no group',
    access: 'enroll',
    query: schemas.allImagesQuery,
    answer: { status: 200, schema: schemas.pages.images },
    failures: ['bad_request', 'storage_unavailable'],
    async handle(request, rollcall) {
      const query = pageQueryOf(request, schemas.allImagesQuery);
      return { body: pageOf(request, await rollcall.allImages(query), toImage) };
    },
  },
  {
    name: 'putImage',
    tag: 'images',
    method: 'PUT',
    path: 'groups/{group}/persons/{person}/images/{*image}',
    summary: 'Upload an image of a person; equal bytes change nothing, unless they were rejected or failed',
    access: 'enroll',
    body: { pictures: true },
    answer: { status: 202, schema: schemas.imagePath },
    failures: [
      ...imageFailures,
      'image_too_large',
      'body_too_large',
      'unsupported_media_type',
      'messaging_unavailable',
    ],
    async handle(request, rollcall) {
      const image = toPath(request);
      const { bytes, type } = await pictureOf(request);
      await rollcall.uploadImage(image, bytes, type);
      return { status: 202, body: { image } };
    },
  },
  {
    name: 'deleteImage',
    tag: 'images',
    method: 'DELETE',
    path: 'groups/{group}/persons/{person}/images/{*image}',
    summary: 'Delete an image of a person, and its face',
    access: 'enroll',
    answer: { status: 202, schema: schemas.imagePath },
    failures: [...imageFailures, 'image_not_found', 'messaging_unavailable'],
    async handle(request, rollcall) {
      const image = toPath(request);
      await rollcall.deleteImage(image);
      return { status: 202, body: { image } };
    },
  },
  {
    name: 'redrive',
    tag: 'images',
    method: 'POST',
    path: 'failures/redrive',
    summary: 'Process failed images again, 500 at a time; with reason, also images rejected for it',
    access: 'admin',
    query: schemas.redriveQuery,
    answer: { status: 202, schema: schemas.redriven },
    failures: ['bad_request', 'storage_unavailable', 'conflict', 'messaging_unavailable'],
    async handle(request, rollcall) {
      const { next, ...redriven } = await rollcall.redrive(pageQueryOf(request, schemas.redriveQuery));
      const more = next !== undefined && { next: tokenOf(request, next) };
      return { status: 202, body: { ...redriven, ...more } };
    },
  },
] as const satisfies readonly Route[];

/** The path of the image that the URL names, container first. */
function toPath(request: ApiRequest): string {
  const person = parsePersonName(request.params['person']);
  return `enroll/${parseGroupName(request)}/${person}/${request.params['image'] ?? ''}`;
}
