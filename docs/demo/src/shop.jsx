/** What all pages share: products, cart, who is signed in. */

import { createContext, use, useEffect, useState, useSyncExternalStore } from 'react';
import { fetchProducts } from './api.js';
import { sessionStore } from './session.js';

const CART = 'shop-cart';
const Context = createContext(null);
export const useShop = () => use(Context);

const storedCart = () => JSON.parse(localStorage.getItem(CART)) ?? {};

export const Shop = ({ children }) => {
  const [products, setProducts] = useState(null);
  const [trouble, setTrouble] = useState(null);
  const [cart, setCart] = useState(storedCart); // how many, by productId
  const user = useSyncExternalStore(sessionStore.subscribe, sessionStore.get);

  const reload = () => fetchProducts().then(setProducts, setTrouble);
  useEffect(() => void reload(), []);
  useEffect(() => localStorage.setItem(CART, JSON.stringify(cart)), [cart]);

  if (trouble) return <p className="notice">The shop is closed: {trouble.message}</p>;
  if (!products) return null;

  const lines = products
    .filter(({ productId }) => cart[productId])
    .map((product) => ({ product, quantity: cart[product.productId] }));
  const setQuantity = (productId, quantity) =>
    setCart(({ [productId]: _, ...rest }) =>
      quantity > 0 ? { ...rest, [productId]: quantity } : rest,
    );
  const value = {
    products,
    lines,
    user,
    reload,
    setQuantity,
    count: lines.reduce((sum, { quantity }) => sum + quantity, 0),
    total: totalOf(lines),
    add: (productId, quantity) => setQuantity(productId, (cart[productId] ?? 0) + quantity),
    emptyCart: () => setCart({}),
  };
  return <Context value={value}>{children}</Context>;
};

export const priceOf = (product) => product.discountPrice ?? product.price;

const centsOf = ({ product, quantity }) => Math.round(priceOf(product) * 100) * quantity;
const totalOf = (lines) => lines.reduce((cents, line) => cents + centsOf(line), 0) / 100;

/** What events say of a product. */
export const fieldsOf = ({ productId, name, category, brand, price, discountPrice, currency }) => ({
  productId, name, category, brand, price, discountPrice, currency,
});

export const itemsOf = (lines) =>
  lines.map(({ product, quantity }) => ({ ...fieldsOf(product), quantity }));

const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' });
export const money = (value) => euros.format(value);
