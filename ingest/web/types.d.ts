/** What a product is, in the built-in catalog; numbers may come as text. */
export interface Product {
  productId?: string | number;
  name?: string | null;
  category?: string | null;
  brand?: string | null;
  price?: number | string | null;
  discountPrice?: number | string | null;
  value?: number | string | null;
  currency?: string | null;
  quantity?: number | string | null;
}

export type Props = Record<string, string | number | boolean | null | undefined>;

/** The fields of an event; a shop's own catalog may have others. */
export interface Fields extends Product {
  orderId?: string | number;
  urlPath?: string;
  referrer?: string;
  title?: string;
  items?: Product[];
  props?: Props;
  [field: string]: unknown;
}

export type Order = Fields & { orderId: string | number };

/** An event as it is about to be sent. */
export interface ClickEvent extends Fields {
  eventName: string;
  eventId: string;
  eventTimestamp: number;
  clientId: string;
  sessionId: string;
}

export type Consent = 'granted' | 'denied' | 'anonymous';

/** A JWT, or null for a guest. */
export type GetToken = (options?: {
  forceRefresh?: boolean;
}) => string | null | undefined | Promise<string | null | undefined>;

export interface Problem {
  /** the server's, or `undelivered`, `too_many`, `too_large`, `too_old`,
   * `no_orderId`, `token_ignored`, or what was thrown; the status, as a
   * number, of an answer that is not the server's */
  code: string | number;
  /** the field at fault, as a JSON pointer */
  pointer?: string;
  detail?: string;
  /** all that the server found */
  errors?: { pointer: string; code: string; detail: string }[];
  /** the event's JSON */
  event?: string;
}

export interface Options {
  /** where events go; default `/events` */
  endpoint?: string;
  getToken?: GetToken;
  /** page views by the tracker itself; default true */
  autoPageView?: boolean;
  /** `#/cart` is a page of its own */
  hashRouting?: boolean;
  /** silence that ends a session; default half an hour */
  sessionTimeoutMs?: number;
  /** tries after the first one; default 3 */
  retries?: number;
  /** undelivered events outlive the page; default true */
  persist?: boolean;
  /** default 50; the oldest gives way */
  maxQueue?: number;
  /** default 16384 */
  maxEventBytes?: number;
  /** default a day */
  maxEventAgeMs?: number;
  /** the same event again within this time is one; default 1000 */
  dedupeMs?: number;
  /** default `granted` */
  consent?: Consent;
  /** what Global Privacy Control means here; default `ignore` */
  gpc?: 'ignore' | 'anonymous';
  /** changes an event, or drops it with null */
  transform?: (event: ClickEvent) => ClickEvent | null | void;
  onError?: (problem: Problem) => void;
  /** tells problems on the console; default: on localhost */
  debug?: boolean;
}

export interface Stats {
  sent: number;
  queued: number;
  refused: number;
  dropped: number;
}

export interface Tracker {
  track(name: string, fields?: Fields): void;
  page(): void;
  productView(product: Fields & { productId: string | number }): void;
  addToCart(product: Fields & { productId: string | number }, quantity?: number): void;
  checkoutStart(order?: Fields): void;
  /** once for each orderId */
  checkoutComplete(order: Order): void;
  signedOut(): void;
  /** for the shop's own API; on a server there are none */
  ids(): { clientId: string; sessionId: string };
  /** tries now what waits */
  flush(): void;
  consent(consent: Consent): void;
  stats(): Stats;
  stop(): void;
}

export interface UploadOptions {
  /** default `/uploads/presign` */
  presignUrl?: string;
  /** default `/uploads/complete` */
  completeUrl?: string;
  getToken?: GetToken;
  productId?: string;
  /** kept with the upload's entry, up to 20 fields */
  metadata?: Record<string, string | number | boolean>;
  onProgress?: (loaded: number, total: number) => void;
  signal?: AbortSignal;
  /** tries after the first one; default 3 */
  retries?: number;
}
