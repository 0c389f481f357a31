import { useRef, useState } from 'react';
import { uploadImage } from 'clickspool/upload';
import { setImage } from '../api.js';
import { Picture } from '../art.jsx';
import { config } from '../config.js';
import { Notice } from '../Notice.jsx';
import { getToken } from '../session.js';
import { useShop } from '../shop.jsx';

const TYPES = 'image/jpeg,image/png,image/webp,image/avif';
const kib = (bytes) => `${Math.ceil(bytes / 1024)} KiB`;

export const Admin = () => {
  const { products, user, reload } = useShop();
  const [productId, setProductId] = useState(products[0].productId);
  const [progress, setProgress] = useState(null); // {loaded, total}
  const [done, setDone] = useState(null); // what came back
  const [trouble, setTrouble] = useState('');
  const running = useRef(null);
  const product = products.find((one) => one.productId === productId);

  if (!user?.isAdmin)
    return <Notice to="/sign-in" link="Sign in">This page is for the shop’s staff.</Notice>;

  const upload = async (event) => {
    event.preventDefault();
    const file = event.target.elements.file.files[0];
    running.current = new AbortController();
    setDone(null);
    setTrouble('');
    setProgress({ loaded: 0, total: file.size });
    try {
      const uploaded = await uploadImage(file, {
        presignUrl: config.presignUrl,
        completeUrl: config.completeUrl,
        getToken,
        productId,
        metadata: { alt: product.name, fileName: file.name },
        signal: running.current.signal,
        onProgress: (loaded, total) => setProgress({ loaded, total }),
      });
      await setImage(productId, uploaded.key);
      await reload();
      setDone(uploaded);
    } catch (error) {
      setTrouble(error.name === 'AbortError' ? 'Cancelled.' : error.message);
    }
    setProgress(null);
  };
  return (
    <div className="admin">
      <form onSubmit={upload} className="panel">
        <h1>Product pictures</h1>
        <label>
          Product
          <select
            value={productId}
            onChange={(event) => setProductId(event.target.value)}
            disabled={!!progress}
          >
            {products.map(({ productId, name }) => (
              <option key={productId} value={productId}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Picture
          <input name="file" type="file" accept={TYPES} required disabled={!!progress} />
        </label>
        {progress ? (
          <>
            <progress aria-label="Upload" value={progress.loaded} max={progress.total} />
            <p className="bytes">
              <span>{kib(progress.loaded)} of {kib(progress.total)}</span>
              <button type="button" className="plain" onClick={() => running.current.abort()}>
                Cancel
              </button>
            </p>
          </>
        ) : (
          <button className="main wide">Upload</button>
        )}
        <p role="alert" className="trouble">{trouble}</p>
        <div role="status">
          {done && (
            <dl>
              <dt>Key</dt><dd>{done.key}</dd>
              <dt>Size</dt><dd>{kib(done.size)}</dd>
              <dt>Type</dt><dd>{done.contentType}</dd>
              <dt>Shows</dt><dd>{done.metadata.alt}</dd>
              <dt>File</dt><dd>{done.metadata.fileName}</dd>
            </dl>
          )}
        </div>
      </form>
      <aside className="panel">
        <h2>{product.name}</h2>
        <Picture product={product} />
      </aside>
    </div>
  );
};
