import { useEffect } from 'react';
import { useTracker } from 'clickspool/react';
import { Notice } from '../Notice.jsx';
import { Link } from '../route.jsx';
import { money } from '../shop.jsx';

export const Thanks = ({ id }) => {
  const tracker = useTracker();
  const stored = sessionStorage.getItem(`order-${id}`);
  const order = JSON.parse(stored);
  useEffect(() => {
    // However often this page is loaded: an order is one sale to the tracker.
    if (stored) tracker.checkoutComplete(JSON.parse(stored));
  }, [stored]);

  if (!order) return <Notice>We know of no such order.</Notice>;
  return (
    <section className="thanks panel">
      <svg viewBox="0 0 48 48" width="56" height="56" aria-hidden="true">
        <circle cx="24" cy="24" r="24" fill="#1f4d46" />
        <path d="m14 25 7 7 14-15" fill="none" stroke="#fff" strokeWidth="4" />
      </svg>
      <h1>Thank you</h1>
      <p>Your order of <strong>{money(order.value)}</strong> is on its way.</p>
      <p className="maker">Order {order.orderId}</p>
      <Link to="/" className="button main">Go on shopping</Link>
    </section>
  );
};
