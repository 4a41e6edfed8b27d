from django.urls import path

from testproject.orders import exchange, labels, payment, repeat_buyers

urlpatterns = [
    path("<int:pk>/pay/", payment.pay),
    path("<int:pk>/pay/fixed/", payment.pay_fixed),
    path("<int:pk>/label/", labels.print_label),
    path("<int:pk>/label/fixed/", labels.print_label_fixed),
    path("exchange-rates/", exchange.exchange_rates),
    path("exchange-rates/fixed/", exchange.exchange_rates_fixed),
    path("repeat-buyers/", repeat_buyers.repeat_buyers),
    path("repeat-buyers/fixed/", repeat_buyers.repeat_buyers_fixed),
]
