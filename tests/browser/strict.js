// A React shop in StrictMode: every effect runs twice, as in development.
import { StrictMode, createElement, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Clickspool, useTracker, useTrackOnce } from '../../ingest/web/react.js';

const Product = ({ productId }) => {
  const tracker = useTracker();
  useTrackOnce('product_view', { productId }, productId);
  const key = productId.endsWith('-2') ? null : productId;
  useTrackOnce('checkout_start', { title: productId }, key);
  useEffect(() => tracker.page()); // a shop that counts pages by hand as well
  return createElement('button', { id: 'add', onClick: () => tracker.addToCart({ productId }) });
};

const Shop = () => {
  const [productId, setProductId] = useState('sku-1');
  window.show = (next) => {
    history.pushState(null, '', `/p/${next}`);
    setProductId(next);
  };
  return createElement(Clickspool, { dedupeMs: 1000 }, createElement(Product, { productId }));
};

createRoot(document.getElementById('root')).render(
  createElement(StrictMode, null, createElement(Shop)),
);
