import type { UploadOptions } from './types.js';

export type { UploadOptions } from './types.js';

export interface UploadError extends Error {
  /** the server's, or `heic`, `unknown_type`, `network`, `put` */
  code: string;
  /** of the answer; 0: there was none; -1: nothing was sent */
  status: number;
}

export interface Uploaded {
  key: string;
  url: string;
  size: number;
  contentType: string;
  /** as it was given */
  metadata: Record<string, string | number | boolean>;
}

/** Rejects with an UploadError, or with the signal's reason. */
export function uploadImage(file: File | Blob, options?: UploadOptions): Promise<Uploaded>;
