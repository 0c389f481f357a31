import { useState } from 'react';
import { useTrackOnce } from 'clickspool/react';
import { placeOrder } from '../api.js';
import { Notice } from '../Notice.jsx';
import { go } from '../route.jsx';
import { itemsOf, money, useShop } from '../shop.jsx';

export const Checkout = () => {
  const { lines, total, user, emptyCart } = useShop();
  const [trouble, setTrouble] = useState('');
  const [busy, setBusy] = useState(false);
  const key = lines.length ? 'checkout' : null;
  useTrackOnce('checkout_start', { items: itemsOf(lines), value: total, currency: 'EUR' }, key);

  const order = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const { orderId, value, currency } = await placeOrder(
        lines.map(({ product, quantity }) => ({ productId: product.productId, quantity })),
      );
      const done = { orderId, value, currency, items: itemsOf(lines) };
      sessionStorage.setItem(`order-${orderId}`, JSON.stringify(done));
      go(`/thanks/${orderId}`);
      emptyCart();
    } catch (error) {
      setTrouble(`That did not work: ${error.message}. Nothing was ordered.`);
      setBusy(false);
    }
  };
  if (!lines.length)
    return <Notice>There is nothing to pay.</Notice>;
  return (
    <div className="checkout">
      <form onSubmit={order} className="panel">
        <h1>Checkout</h1>
        <label>Name <input name="name" required autoComplete="name" /></label>
        <label>
          Email
          <input
            name="email"
            type="email"
            required
            defaultValue={user?.email}
            autoComplete="email"
          />
        </label>
        <label>Address <input name="address" required autoComplete="street-address" /></label>
        <button className="main wide" disabled={busy}>Place order · {money(total)}</button>
        <p role="alert" className="trouble">{trouble}</p>
      </form>
      <aside className="panel">
        <h2>Your order</h2>
        <ul className="summary">
          {lines.map(({ product, quantity }) => (
            <li key={product.productId}><span>{quantity} × {product.name}</span></li>
          ))}
        </ul>
        <p className="total"><span>Total</span> <strong>{money(total)}</strong></p>
      </aside>
    </div>
  );
};
