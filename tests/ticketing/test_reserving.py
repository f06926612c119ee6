def test_smoke(kikker, provider, queue, committing):
    with committing():
        order = kikker.place_free(2)
    print(queue.jobs)
    order, payment = kikker.begin_payment(2)
    assert order.total_minor == 5198
    assert payment.session_id
